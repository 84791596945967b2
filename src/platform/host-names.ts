/** Host names behind the `HostNames` port: the resolver of this machine, /etc/hosts included. */
import { lookup } from 'node:dns'
import type { HostNames } from './ports.ts'

export const systemHostNames: HostNames = {
  resolve(name, done) {
    lookup(name, { all: true }, (error, found) => {
      if (error === null)
        done(
          found.map(({ address }) => address),
          '',
        )
      else
        done(
          [],
          error.code === 'ENOTFOUND' ? 'no such host name' : `the name cannot be looked up (${error.code})`,
        )
    })
  },
}
