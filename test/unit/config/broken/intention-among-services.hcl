service {
  name = "db"
}

intention {
  source_name      = "web"
  destination_name = "db"
  action           = "allow"
}
