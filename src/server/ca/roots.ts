/** The roots of a plane as others may see them: what topics, answers and new hosts get. */
import type { CaRoot, PublicCaRoot, TrustPlane } from '../../model/authority.ts'
import type { StateView } from '../store/state.ts'

/** Active one first, without keys and row indexes. */
export function publicRoots(view: StateView, plane: TrustPlane): readonly PublicCaRoot[] {
  const roots = view.roots(plane).map(publicRoot)
  return [...roots.filter((root) => root.active), ...roots.filter((root) => !root.active)]
}

/** Field by field: a field that is added to the row must not become public by itself. */
function publicRoot(root: CaRoot): PublicCaRoot {
  const { id, plane, name, trustDomain, certificatePem, serialNumber, signingKeyId } = root
  const { notBeforeMs, notAfterMs, active, retiredAtMs, privateKeyType, privateKeyBits } = root
  return {
    id,
    plane,
    name,
    trustDomain,
    certificatePem,
    serialNumber,
    signingKeyId,
    notBeforeMs,
    notAfterMs,
    active,
    ...(retiredAtMs === undefined ? {} : { retiredAtMs }),
    privateKeyType,
    privateKeyBits,
  }
}
