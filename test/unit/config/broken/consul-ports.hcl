ports {
  http = 8500
  grpc = 8502
}
