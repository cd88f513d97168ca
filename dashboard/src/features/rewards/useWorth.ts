import { useFormat } from '../../app/account';
import type { Discount } from './draft';
import { t } from './words';

/** Says what a discount takes off. */
export function useWorth() {
  const format = useFormat();
  return (discount: Pick<Discount, 'percent_off' | 'amount_off'>) => {
    if (discount.percent_off) return t('percentOff', { n: discount.percent_off });
    if (discount.amount_off) return t('amountOff', { amount: format.money(discount.amount_off) });
    return t('off');
  };
}
