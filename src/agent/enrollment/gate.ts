/** A client that says at once that this host is not enrolled, instead of looking for servers that would not know it. */
import { failed } from '../../model/errors.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import type { OperatorClient } from '../../rpc/operator.ts'

type Client = ServerClient & OperatorClient

const notEnrolled = failed(
  'not-enrolled',
  'this host is not enrolled yet; make a token with `mesh token create` and run `mesh enroll` here',
)
const nothingHeld = { cancel: () => undefined }

/** `isEnrolled` is asked at each call; enrolling itself always passes. */
export function gated(client: Client, isEnrolled: () => boolean): Client {
  return {
    enroll: (request, reply) => client.enroll(request, reply),
    renewHost: (request, reply) => (isEnrolled() ? client.renewHost(request, reply) : reply(notEnrolled)),
    signLeaf: (request, reply) => (isEnrolled() ? client.signLeaf(request, reply) : reply(notEnrolled)),
    write: (request, reply) => (isEnrolled() ? client.write(request, reply) : reply(notEnrolled)),
    read: (request, reply) => {
      if (isEnrolled()) return client.read(request, reply)
      reply(notEnrolled)
      return nothingHeld
    },
    operate: (request, reply) => (isEnrolled() ? client.operate(request, reply) : reply(notEnrolled)),
    control: () => client.control(),
    close: () => client.close(),
  }
}
