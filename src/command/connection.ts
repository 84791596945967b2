/**
 * Where a command finds its agent and with which token, from flags, environment and this machine's folders, in an order
 * that favours what was said most explicitly. Reads no configuration file: a command must start in an instant.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLoopback } from '../agent/access/caller.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'

export interface ConnectionFlags {
  readonly httpAddr?: string
  readonly tokenFile?: string
}

export type Environment = Readonly<Record<string, string | undefined>>

export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

const defaultDataDirectory = '/var/lib/mesh-agent'
const defaultRuntimeDirectory = '/run/mesh-agent'
const defaultPort = 8_500

export const runtimeDirectory = (environment: Environment): string =>
  environment['MESH_RUNTIME_DIR'] || defaultRuntimeDirectory

export const dataDirectory = (environment: Environment): string =>
  environment['MESH_DATA_DIR'] || defaultDataDirectory

/** Flag, MESH_HTTP_ADDR, CONSUL_HTTP_ADDR, the agent's unix socket where it may be used, else loopback. */
export function findAddress(flags: ConnectionFlags, environment: Environment): Address {
  const named = flags.httpAddr || environment['MESH_HTTP_ADDR'] || environment['CONSUL_HTTP_ADDR']
  if (named) return parseAddress(named)
  const socket = usableSocket(environment, 'agent', 'api.sock')
  if (socket !== undefined) return { kind: 'unix', path: socket }
  return { kind: 'tcp', host: '127.0.0.1', port: defaultPort }
}

/** A program's socket, in its own folder (packages) or directly in the runtime directory. */
export function usableSocket(environment: Environment, program: string, name: string): string | undefined {
  const runtime = runtimeDirectory(environment)
  return [join(runtime, program, name), join(runtime, name)].find(isUsable)
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

export function parseAddress(text: string): Address {
  if (text.startsWith('unix://')) return { kind: 'unix', path: text.slice('unix://'.length) }
  if (text.startsWith('https://'))
    throw new UsageFailure(
      `the agent's HTTP API has no TLS, so "${text}" cannot be reached`,
      'use http://HOST:PORT through a tunnel such as ssh -L, or unix:///PATH',
    )
  const authority = text.replace(/^http:\/\//, '').replace(/\/+$/, '')
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/\s]+)(?::(\d{1,5}))?$/.exec(authority)
  const port = Number(match?.[2] ?? defaultPort)
  if (match?.[1] === undefined || port < 1 || port > 65_535)
    throw new UsageFailure(
      `"${text}" is no address of an agent`,
      'write HOST:PORT, http://HOST:PORT or unix:///PATH',
    )
  return { kind: 'tcp', host: match[1].replace(/^\[|\]$/g, ''), port }
}

export function addressText(address: Address): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`
}

/** Tokens that lie on this machine are offered to this machine only: another address may belong to anybody. */
export function tokenScope(address: Address): TokenScope {
  return address.kind === 'unix' || address.host === 'localhost' || isLoopback(address.host)
    ? 'anywhere'
    : 'named'
}

/** Below the data directory. */
const operatorToken = 'server/operator.token'
const localToken = 'agent/local.token'

export type TokenScope = 'anywhere' | 'operator' | 'named'

/**
 * Flag, environment, the operator token of this machine's server, the local token of its agent; '' where none is found.
 * `operator`: without the local token, which a server does not know; `named`: only what flag or environment name.
 */
export function findToken(flags: ConnectionFlags, environment: Environment, scope: TokenScope): string {
  if (flags.tokenFile) return readTokenFile(flags.tokenFile)
  const given = environment['MESH_TOKEN'] || environment['CONSUL_HTTP_TOKEN']
  if (given) return given.trim()
  const file = environment['MESH_TOKEN_FILE'] || environment['CONSUL_HTTP_TOKEN_FILE']
  if (file) return readTokenFile(file)
  if (scope === 'named') return ''
  const data = dataDirectory(environment)
  for (const path of scope === 'operator' ? [operatorToken] : [operatorToken, localToken])
    try {
      return readFileSync(join(data, path), 'utf8').trim()
    } catch {
      // Not there or not for this user: the next one may be.
    }
  return ''
}

function readTokenFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CommandFailure(`the token file ${path} cannot be read: ${systemReason(error)}`)
  }
}
