# Parses what nearly every file includes once for each target that is large enough for that to pay: a third of the time.
set(common_headers
  <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view>
  <unordered_map> <utility> <vector> <boost/intrusive/list.hpp>
)
set(fewest_sources 10)
set(headers_of_ballast_app <boost/asio/io_context.hpp>)

function(precompile_below directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(NOT type MATCHES "LIBRARY|EXECUTABLE")
      continue()
    endif()
    get_target_property(sources ${target} SOURCES)
    list(LENGTH sources count)
    if(count GREATER_EQUAL fewest_sources)
      target_precompile_headers(${target} PRIVATE ${common_headers} ${headers_of_${target}})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder ${folders})
    precompile_below(${folder})
  endforeach()
endfunction()

precompile_below(${CMAKE_SOURCE_DIR})
