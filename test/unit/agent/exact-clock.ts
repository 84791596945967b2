/**
 * Virtual time whose `run` ends exactly where it says. The simulator's clock lets a cancelled timer that is due carry
 * `run` on to the next live one, however late that is; here a cancelled timer stays and does nothing.
 */
import type { Timer } from '../../../src/platform/ports.ts'
import { VirtualClock } from '../../simulation/clock.ts'

export class ExactClock extends VirtualClock {
  override after(delayMs: number, callback: () => void): Timer {
    const timer = { callback: (): void => callback() }
    super.after(delayMs, () => timer.callback())
    return {
      cancel: () => {
        timer.callback = () => undefined
      },
    }
  }
}
