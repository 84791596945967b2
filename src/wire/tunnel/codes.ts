/**
 * How a stream or a session ended, as numbers on the wire: 0 is an ordinary end, the rest is the catalogue of refusals.
 * Knows no frames; model/refusal.ts says what each code means.
 */
import { type RefusalCode, refusalCatalogue, refusalFromWire } from '../../model/refusal.ts'

/** `closed`: an application or the network ended it; the mesh refused nothing. */
export type EndCode = RefusalCode | 'closed'

export const endCodeToWire = (code: EndCode): number => (code === 'closed' ? 0 : refusalCatalogue[code].wire)

export const endCodeFromWire = (wire: number): EndCode => (wire === 0 ? 'closed' : refusalFromWire(wire))
