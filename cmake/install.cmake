# SPDX-License-Identifier: MIT
# Install components: runtime (the shared library), dev (headers, static library, CMake and pkg-config files), tools (the inspector).
include(CMakePackageConfigHelpers)

set(carafe_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/carafe)

install(
  TARGETS carafe carafe_static
  EXPORT carafe-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(
  EXPORT carafe-targets
  NAMESPACE carafe::
  DESTINATION ${carafe_cmake_dir}
  COMPONENT dev)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/carafe-config.cmake.in ${PROJECT_BINARY_DIR}/carafe-config.cmake INSTALL_DESTINATION ${carafe_cmake_dir})
# While the version is 0.y, a minor step may break: SameMajorVersion from 1.0 on.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/carafe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/carafe-config.cmake ${PROJECT_BINARY_DIR}/carafe-config-version.cmake
  DESTINATION ${carafe_cmake_dir}
  COMPONENT dev)

# The .pc file finds its prefix from where it lies, so `cmake --install --prefix` and moving the tree both keep it right.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(carafe_pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(carafe_pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(carafe_pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH carafe_pc_up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" carafe_pc_up "${carafe_pc_up}")
  set(carafe_pc_prefix "\${pcfiledir}/${carafe_pc_up}")
  set(carafe_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(carafe_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/carafe.pc.in ${PROJECT_BINARY_DIR}/carafe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/carafe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
