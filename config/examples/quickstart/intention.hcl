# Who may call whom: cluster state, loaded with `mesh apply -f intention.hcl`, not part of an agent's directory.
intention {
  source_name      = "web"
  destination_name = "backend"
  action           = "allow"
}
