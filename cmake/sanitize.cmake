# SPDX-License-Identifier: MIT
# Applies CARAFE_SANITIZE and CARAFE_FUZZ to everything that is built.
if(CARAFE_SANITIZE)
  list(JOIN CARAFE_SANITIZE "," carafe_sanitizers)
  add_compile_options(-fsanitize=${carafe_sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${carafe_sanitizers})
endif()
if(CARAFE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "CARAFE_FUZZ needs clang: configure with -DCMAKE_CXX_COMPILER=clang++-14")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
