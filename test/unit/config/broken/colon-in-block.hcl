service {
  name: "web"
}
