# SPDX-License-Identifier: MIT
# carafe_warnings(TARGET): what all our own code must pass, with g++ 12 and with clang 14.
function(carafe_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
  if(CARAFE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CARAFE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-tsan)  # "atomic_thread_fence is not supported": a warning about TSan, not about us
  endif()
endfunction()
