tp_test(files_test tp_files)
tp_test(archive_test tp_files)
