services = [{
  name : "shop"
  id   : "shop-1"
  port : 8081
  meta = { "team" : "red", tier = "front" }
  weights : { passing : 10, warning : 1 }
  tagged_addresses = {
    lan = { address = "10.0.0.7", port = 8081 }
    wan = { address = "203.0.113.7", port = 443 }
  }
  checks = [
    { name = "port", tcp = "127.0.0.1:8081", interval = "5s", timeout = "1s" },
    { alias_service = "shop-2" },
  ]
},
{ name = "shop", id = "shop-2" }]

/* Checks of the whole host and of a service of this file. */
checks = [
  { id = "disk", name = "disk space", ttl = "5m", notes = <<-EOF
      Reported by a timer.
      See the runbook.
    EOF
  },
  {
    id         = "shop-extra"
    name       = "queue"
    service_id = "shop-1"
    http       = "https://127.0.0.1:8443/queue"
    method     = "POST"
    body       = "{\"ping\": 1}"
    interval   = "1m30s"
    tls_skip_verify = true
    success_before_passing   = 2
    failures_before_critical = 3
    failures_before_warning  = 1
    deregister_critical_service_after = "90m"
  },
]
