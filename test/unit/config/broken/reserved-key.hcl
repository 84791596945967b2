node_meta {
  __proto__ = "x"
}
