services = [
  { name = "web", port = 8080 },
  { name = "web", port = 8081 },
]
