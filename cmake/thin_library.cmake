# The thin client as a library for other programs: one archive with all that it needs of ours, the
# public headers, and how CMake and pkg-config find them (docs/library.md).
#   cmake --install build/release --component thin --prefix PREFIX
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(taubenpost::thin ALIAS tp_thin)  # for programs in this tree

add_library(
  taubenpost_thin STATIC
  $<TARGET_OBJECTS:tp_base> $<TARGET_OBJECTS:tp_crypto> $<TARGET_OBJECTS:tp_wire>
  $<TARGET_OBJECTS:tp_thin> $<FILTER:$<TARGET_OBJECTS:tp_ports>,INCLUDE,asio_impl>)
set_target_properties(taubenpost_thin PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME thin
                                                 OUTPUT_NAME taubenpost-thin)
target_compile_features(taubenpost_thin PUBLIC cxx_std_20)
# Asio's own sources are compiled once, and are in the archive. What a program compiles of Asio has
# to be what the archive was compiled with: the same definitions, and the same release of Boost.
set(asio_definitions BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_compile_definitions(taubenpost_thin INTERFACE ${asio_definitions})
target_include_directories(
  taubenpost_thin INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/taubenpost>)
target_link_libraries(
  taubenpost_thin
  PUBLIC Threads::Threads Boost::headers
  PRIVATE PkgConfig::CBOR PkgConfig::SODIUM PkgConfig::GCRYPT tomlplusplus::tomlplusplus)

# The public headers, and what they include.
set(public_headers
    base/bytes.h
    base/check.h
    base/error.h
    base/random.h
    base/secret.h
    base/strong_int.h
    model/units.h
    wire/errors.h
    wire/messages.h
    wire/pki.h
    wire/replies.h
    thin/blocking_client.h
    thin/client.h
    thin/config.h
    thin/document.h
    thin/events.h
    thin/options.h
    thin/results.h
    thin/subscription.h)
foreach(header ${public_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/src/${header}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/taubenpost/${folder} COMPONENT thin)
endforeach()
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/taubenpost)
install(TARGETS taubenpost_thin EXPORT taubenpost ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                          COMPONENT thin)
install(EXPORT taubenpost NAMESPACE taubenpost:: FILE taubenpostTargets.cmake
        DESTINATION ${package_folder} COMPONENT thin)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/taubenpostConfig.cmake.in
                              ${CMAKE_CURRENT_BINARY_DIR}/taubenpostConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/taubenpostConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/taubenpostConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/taubenpostConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT thin)
# The folder of libraries may have two parts (lib/x86_64-linux-gnu).
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
list(TRANSFORM asio_definitions PREPEND -D OUTPUT_VARIABLE pc_definitions)
list(JOIN pc_definitions " " pc_definitions)
configure_file(${CMAKE_CURRENT_LIST_DIR}/taubenpost-thin.pc.in
               ${CMAKE_CURRENT_BINARY_DIR}/taubenpost-thin.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/taubenpost-thin.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT thin)
