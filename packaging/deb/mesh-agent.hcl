# Configuration of this host. `mesh agent`, `mesh server` and `mesh proxy` all read every *.hcl and *.json file of this
# directory, in the order of their names; services may stand in files of their own, such as web.hcl.
#
#   mesh validate /etc/mesh-agent     says what is wrong, with file, line and column
#   systemctl start mesh-agent        the first time
#   systemctl reload mesh-agent       after a change of services
#
# Lines that start with // are examples: take the // away and change them. Nothing else is set here.

# --- the first host ---------------------------------------------------------------------------------------------------
# One host (later three or five) runs a server. On that host:

// server = true

# A further server names those that there are in `servers`, below, and waits for its own token:
#   mesh token create -server -node NAME      on a server
#   mesh enroll -server                       here

# --- every host -------------------------------------------------------------------------------------------------------
# The servers' addresses, and how this host gets in: make a token on a server with
#   mesh token create -node NAME -service SERVICE
# and type `mesh enroll` here, or let the agent read the token from a file that user mesh-agent may read:
#   install -m 0400 -o mesh-agent token /etc/mesh-agent/enrollment-token

// servers               = ["10.0.0.1:8300"]
// enrollment_token_file = "/etc/mesh-agent/enrollment-token"

# Without these: the host's own name, "dc1", every address, and the first private one of them.

// node_name      = "web-1"
// datacenter     = "dc1"
// bind_addr      = "0.0.0.0"
// advertise_addr = "10.0.0.2"

# Open between hosts: 8301 (UDP and TCP, gossip), and the proxies' ports from 21000 on. Open to servers: 8300. Between the
# servers of several datacenters: 8300, and 8302 (UDP and TCP, gossip).

# --- services of this host --------------------------------------------------------------------------------------------
# This one listens on port 8080 of loopback and reaches the service `backend` at 127.0.0.1:9001.

// service {
//   name = "web"
//   port = 8080
//   check {
//     http     = "http://127.0.0.1:8080/health"
//     interval = "10s"
//     timeout  = "2s"
//   }
//   connect {
//     sidecar_service {
//       proxy {
//         upstreams {
//           destination_name = "backend"
//           local_bind_port  = 9001
//         }
//       }
//     }
//   }
// }

# --- good to know -----------------------------------------------------------------------------------------------------
# Members of group mesh-agent may use /run/mesh-agent/agent/api.sock, which needs no token.
#
# Upstreams with a local_bind_socket_path need a folder that user mesh-proxy may write; there is /run/mesh-agent/proxy.
#
# Script checks (enable_local_script_checks) run as user mesh-agent inside the agent's sandbox: they see no other
# user's processes, no home directories and a /tmp of their own. `systemctl edit mesh-agent` loosens that, for example
# with [Service] ProtectProc=default.
