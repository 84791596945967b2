server         = true
advertise_addr = "10.0.0.10"
acl = {
  default_intention_policy = "deny"
}
connect {
  enabled     = true
  ca_provider = "consul"
  ca_config {
    leaf_cert_ttl = "48h"
  }
}
config_entries {
  bootstrap {
    kind    = "service-intentions"
    name    = "*"
    sources = [{ name = "*", action = "deny" }]
  }
  bootstrap {
    Kind = "service-intentions"
    Name = "backend"
    Sources {
      Name   = "web"
      Action = "allow"
    }
  }
}
