/**
 * One question to one other name server, over UDP from a socket and port of its own, or over TCP. An answer counts only when
 * it comes from the server that was asked, with the number and the question that were sent. Which servers are asked, and
 * what becomes of the answer, is told in recursion.ts.
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Recursor } from '../../config/dns-settings.ts'
import type { Clock } from '../../platform/ports.ts'
import { headerBytes, largestMessageBytes } from '../../wire/dns/codes.ts'

export interface RecursorQuestion {
  readonly recursor: Recursor
  readonly transport: 'udp' | 'tcp'
  /** The whole message. */
  readonly message: Buffer
  /** Where its question section ends. */
  readonly questionEnd: number
  readonly timeoutMs: number
}

/** Calls `done` once, with undefined where nothing usable came in time. The result takes the question back. */
export function askRecursor(
  question: RecursorQuestion,
  clock: Pick<Clock, 'after'>,
  done: (answer: Buffer | undefined) => void,
): () => void {
  let isOver = false
  const end = (answer: Buffer | undefined): void => {
    if (isOver) return
    isOver = true
    timer.cancel()
    close()
    if (!isTakenBack) done(answer)
  }
  let isTakenBack = false
  const timer = clock.after(question.timeoutMs, () => end(undefined))
  const close = question.transport === 'udp' ? overUdp(question, end) : overTcp(question, end)
  return () => {
    isTakenBack = true
    end(undefined)
  }
}

type End = (answer: Buffer | undefined) => void

function overUdp(question: RecursorQuestion, end: End): () => void {
  const { recursor, message } = question
  const socket = createSocket(recursor.address.includes(':') ? 'udp6' : 'udp4')
  // A connected socket hears of ICMP errors, and nothing from other addresses.
  socket.on('error', () => end(undefined))
  socket.on('message', (answer) => {
    if (isAnswerTo(answer, question)) end(answer)
  })
  socket.once('connect', () => socket.send(message))
  socket.connect(recursor.port, recursor.address)
  return () => {
    try {
      socket.close()
    } catch {
      // It never came to be.
    }
  }
}

function overTcp(question: RecursorQuestion, end: End): () => void {
  const { recursor, message } = question
  const pieces: Buffer[] = []
  let received = 0
  const socket = connect({ host: recursor.address, port: recursor.port }, () => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.length)
    socket.write(Buffer.concat([length, message]))
  })
  socket.on('error', () => end(undefined))
  socket.on('close', () => end(undefined))
  socket.on('data', (piece) => {
    pieces.push(piece)
    received += piece.length
    if (received < 2) return
    const all = Buffer.concat(pieces)
    const wanted = 2 + all.readUInt16BE(0)
    if (received >= wanted) {
      const answer = all.subarray(2, wanted)
      end(isAnswerTo(answer, question) ? answer : undefined)
    } else if (received > largestMessageBytes + 2) end(undefined)
  })
  return () => socket.destroy()
}

function isAnswerTo(answer: Buffer, { message, questionEnd }: RecursorQuestion): boolean {
  if (answer.length < headerBytes || ((answer[2] ?? 0) & 0x80) === 0) return false
  if (answer.readUInt16BE(0) !== message.readUInt16BE(0)) return false
  // Some servers leave the question out of an error.
  if (answer.readUInt16BE(4) === 0) return answer.length === headerBytes
  const lower = (bytes: Buffer): string => bytes.toString('latin1', headerBytes, questionEnd).toLowerCase()
  return answer.length >= questionEnd && lower(answer) === lower(message)
}
