data_dir = "C:\mesh"
