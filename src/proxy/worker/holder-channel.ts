/**
 * The worker's end of the channel to its holder, as a source of handles. What arrives is handed on in the same turn:
 * a server that begins to listen later would leave clients hanging that the kernel has already given to us.
 */
import type { FromHolder, FromWorker } from '../holder/message.ts'
import type { HandleSource } from '../listener/listeners.ts'

export interface HolderChannel {
  readonly handles: HandleSource
  /** To be called with each message from the holder but `stop`, and the handle that came with it. */
  onMessage(message: Exclude<FromHolder, { kind: 'stop' }>, handle: object | undefined): void
}

type Answer = Parameters<HandleSource['request']>[1]

export function createHolderChannel(send: (message: FromWorker) => void): HolderChannel {
  const answers = new Map<number, Answer>()
  let lastId = 0
  return {
    handles: {
      request(request, answer) {
        lastId += 1
        answers.set(lastId, answer)
        send({ kind: 'listen', id: lastId, ...request })
      },
    },
    onMessage(message, handle) {
      const answer = answers.get(message.id)
      if (answer === undefined) return
      if (message.kind === 'listened') {
        answers.delete(message.id)
        answer.onDone(message.failures)
      } else if (handle !== undefined) answer.onHandle(message.key, handle)
    },
  }
}
