const first = 500;
const most = 30_000;

/**
 * How long to wait before the next try, in milliseconds: twice as long after
 * each failure, and between half and all of that, so that many pages do not
 * return at the same moment.
 */
export function delay(failures: number, random: () => number = Math.random): number {
  const full = Math.min(most, first * 2 ** Math.max(0, failures - 1));
  return full * (0.5 + random() / 2);
}
