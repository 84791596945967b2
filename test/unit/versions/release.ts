// The parts of a release that speak to another one or read what it wrote.
export { startProxyLink } from '../../../src/agent/link/proxy-link.ts'
export { LinkClient } from '../../../src/proxy/worker/link-client.ts'
export { Admission } from '../../../src/server/admission/admission.ts'
export { DurableWriter } from '../../../src/server/consensus/durable-writer.ts'
export { readFormat, writeFormat } from '../../../src/server/consensus/format.ts'
export { raiseFormat } from '../../../src/server/format-raise.ts'
export { TestServer } from '../store/server.ts'
export { makeEnd } from '../tunnel/memory.ts'
