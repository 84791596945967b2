config_entries {
  bootstrap {
    kind = "service-intentions"
    name = "db"
    sources {
      name   = "web"
      action = "allow"
    }
  }
}
