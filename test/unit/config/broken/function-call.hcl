service {
  name = lower("WEB")
}
