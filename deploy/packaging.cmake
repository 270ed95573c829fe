# What is installed, and the .deb of it: cmake --build build --target ballast && (cd build && cpack)
# cpack finds the shared libraries' packages by dpkg-shlibdeps, which needs the packages dpkg-dev and file.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # the tests need not be built
set(debian ${CMAKE_SOURCE_DIR}/deploy/debian)
set(changelog ${CMAKE_BINARY_DIR}/changelog.gz)
execute_process(COMMAND gzip -9nc ${debian}/changelog OUTPUT_FILE ${changelog} COMMAND_ERROR_IS_FATAL ANY)

install(TARGETS ballast RUNTIME DESTINATION bin)
install(FILES deploy/systemd/ballast.service deploy/systemd/ballast.socket DESTINATION lib/systemd/system)
install(FILES ${debian}/ballast.toml DESTINATION /etc/ballast)
# The program describes itself.
set(described ${CMAKE_BINARY_DIR}/described)
install(CODE "
  file(MAKE_DIRECTORY ${described})
  execute_process(COMMAND ${CMAKE_BINARY_DIR}/ballast man COMMAND gzip -9nc
    OUTPUT_FILE ${described}/ballast.1.gz COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_BINARY_DIR}/ballast completion bash
    OUTPUT_FILE ${described}/ballast COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_BINARY_DIR}/ballast completion zsh
    OUTPUT_FILE ${described}/_ballast COMMAND_ERROR_IS_FATAL ANY)
")
install(FILES ${described}/ballast.1.gz DESTINATION share/man/man1)
install(FILES ${described}/ballast DESTINATION share/bash-completion/completions)
install(FILES ${described}/_ballast DESTINATION share/zsh/vendor-completions)
install(FILES ${debian}/copyright ${changelog} README.md DESTINATION share/doc/ballast)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ballast)
set(CPACK_PACKAGE_CONTACT "Ballast <ballast@ballast.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "PostgreSQL connection pooler for Neon")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Ballast stands between applications and a Neon database, which sleeps when
nobody asks it. It shares a small number of TLS connections among many client
sessions without their noticing, wakes the database once while clients wait,
and refuses by SQL errors what is beyond its limits.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates, tzdata")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
include(CPack)
