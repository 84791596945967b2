Kind = "service-intentions"
Name = "db"
Meta = { owner = "team-blue" }
Sources = [
  { Name = "*" Action = "deny" },
  {
    Name        = "api"
    Action      = "allow"
    Description = "reads and writes"
  },
]
