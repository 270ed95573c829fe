# What a build that only has to run may do to be ready in half the time: sources are compiled eight at a time, the
# headers that nearly every unit test includes are parsed once for each of their programs, and what runs for moments
# only is not optimised.
set(common_headers
  <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view>
  <unordered_map> <utility> <vector> <boost/intrusive/list.hpp> <doctest/doctest.h>
)
set(hasty ballast_app ballast_neon) # the simulation, which runs for minutes, has none of them

function(quicken target)
  get_target_property(type ${target} TYPE)
  if(target MATCHES "^unit_")
    target_precompile_headers(${target} PRIVATE ${common_headers})
  elseif(type MATCHES "STATIC_LIBRARY|EXECUTABLE")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_compile_options(${target} PRIVATE -Wno-shadow) # a name of another file is no mistake
  endif()
  if(target IN_LIST hasty)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

function(quicken_below directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    quicken(${target})
  endforeach()
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder ${folders})
    quicken_below(${folder})
  endforeach()
endfunction()

quicken_below(${CMAKE_SOURCE_DIR})
