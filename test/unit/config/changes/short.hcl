# Several intentions in the short form.
intention {
  source_name      = "web"
  destination_name = "backend"
  action           = "allow"
  description      = "the shop reads its stock"
  meta {
    owner = "team-red"
  }
}

intention {
  source_name      = "*"
  destination_name = "backend"
  action           = "deny"
}
