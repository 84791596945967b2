check {
  name     = "disk"
  ttl      = "60s"
  notes    = <<EOF
Reported by a cron job.
}
