tp_test(files_test tp_files)
