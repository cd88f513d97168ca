import { type ReactNode, useState } from 'react';
import type { Schemas } from '../../api/client';
import type { Right } from '../../app/account';
import { isStale } from '../../components/Conflict';
import { Cancelled } from '../../components/Draft';
import { PreviewDialog } from './PreviewDialog';

interface Asked<T> {
  title: string;
  right: Right;
  begin: () => Promise<Schemas['PreviewAnswer']>;
  save: (token: string) => Promise<T>;
}

/**
 * Has a change counted in a dialog before a form saves it. `counted` ends with what was saved, or
 * throws `Cancelled`; that the thing was changed meanwhile goes to the form.
 */
export function useCounted<T>(): { counted: (asked: Asked<T>) => Promise<T>; dialog: ReactNode } {
  const [open, setOpen] = useState<
    Asked<T> & { done: (saved: T) => void; fail: (error: unknown) => void }
  >();
  const counted = (asked: Asked<T>) =>
    new Promise<T>((done, fail) => setOpen({ ...asked, done, fail }));
  const dialog = open && (
    <PreviewDialog
      of={{
        kind: 'form',
        right: open.right,
        begin: open.begin,
        save: async (token) => {
          try {
            open.done(await open.save(token));
          } catch (error) {
            if (!isStale(error)) throw error;
            open.fail(error);
          }
        },
      }}
      title={open.title}
      onClose={() => {
        open.fail(new Cancelled());
        setOpen(undefined);
      }}
    />
  );
  return { counted, dialog };
}
