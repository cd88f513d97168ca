import { Link } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, FunctionComponent } from 'react';

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  to: string;
  search?: Record<string, string | undefined>;
}

/** A link to an address that is put together from an account's id and more. */
export const Go = Link as unknown as FunctionComponent<Props>;
