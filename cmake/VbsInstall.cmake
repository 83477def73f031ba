# What `cmake --install` puts on a machine: the programs, their manual, the systemd units, udev
# rules, and examples of the configuration.
include(GNUInstallDirs)

install(TARGETS vbsd vbs-volumed vbs-vmmd vbs-thaw vbs RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(FILES docs/man/vbs.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(DIRECTORY deploy/config/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
foreach(unit vbsd vbs-volumed vbs-vmmd)
  configure_file(deploy/systemd/${unit}.service.in deploy/${unit}.service @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/deploy/${unit}.service"
          DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
endforeach()
install(FILES deploy/udev/61-vbs.rules DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/udev/rules.d")
install(FILES deploy/systemd/vbs.sysusers DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/sysusers.d"
        RENAME vbs.conf)
