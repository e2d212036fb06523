tp_test(files_test tp_files)
tp_test(archive_test tp_files)
tp_test(zstd_test tp_files)
