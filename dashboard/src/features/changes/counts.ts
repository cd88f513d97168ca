/** What a preview counted, in words. */

import type { Schemas } from '../../api/client';
import { t } from './words';

type Preview = Schemas['PreviewAnswer'];

/** Whether anybody, or a point, would be touched. */
export function touches({ counts, notes }: Pick<Preview, 'counts' | 'notes'>): boolean {
  const { personas: _, largest, ...each } = counts;
  return (notes ?? []).length > 0 || largest.length > 0 || Object.values(each).some(Boolean);
}

/** One line for each number that is not 0. `points`: those that balances would change by. */
export function linesOf(counts: Omit<Preview['counts'], 'largest'>, points: string): string[] {
  const n = counts;
  return [
    n.enrolled && t('enrolled', { n: n.enrolled }),
    n.messages && t('messages', { n: n.messages }),
    n.opt_ins && t('optIns', { n: n.opt_ins }),
    n.lost && t('lost', { n: n.lost }),
    n.balances && t('balances', { n: n.balances, points }),
    n.earned_twice && t('twice', { n: n.earned_twice }),
    n.joined && t('joinedCount', { n: n.joined }),
    n.split && t('split', { n: n.split }),
    n.dropped && t('dropped', { n: n.dropped }),
    n.doubled && t('doubled', { n: n.doubled }),
    n.out_of_market && t('outOfMarket', { n: n.out_of_market }),
    n.back_in_market && t('backInMarket', { n: n.back_in_market }),
  ].filter((line): line is string => Boolean(line));
}
