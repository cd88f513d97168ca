/** Dialogs of an act: what it does, what stays, the safe choice first. */

import { Button, Group, Modal, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { ProblemNotice } from './Notice';
import { t } from './words';

interface FrameProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  size?: string;
}

/** What had the focus when a dialog opened; of a menu, which goes, the button that opened it. */
function openerOf(): HTMLElement | null {
  const active = document.activeElement;
  const menu = active?.closest('[role=menu]');
  const button = menu && document.querySelector<HTMLElement>(`[aria-controls="${menu.id}"]`);
  return button ?? (active instanceof HTMLElement ? active : null);
}

/**
 * A dialog: it begins at its heading, Esc and Cancel do nothing, on a phone it fills the screen. The
 * focus goes back to what opened it: the library's own return needs a dialog that was there, closed.
 */
export function Dialog({ title, onClose, children, size = 'md' }: FrameProps) {
  const [opener] = useState(openerOf);
  useEffect(
    () => () => {
      window.setTimeout(() => {
        const elsewhere =
          document.activeElement !== null && document.activeElement !== document.body;
        if (!elsewhere && opener?.isConnected) opener.focus();
      }, 0);
    },
    [opener],
  );
  const phone = window.matchMedia('(max-width: 639px)').matches;
  return (
    <Modal.Root opened onClose={onClose} size={size} fullScreen={phone}>
      <Modal.Overlay />
      <Modal.Content aria-label={title}>
        <Modal.Header>
          <Title order={2} fz={20} tabIndex={-1} data-autofocus>
            {title}
          </Title>
          <Modal.CloseButton aria-label={t('close')} />
        </Modal.Header>
        <Modal.Body>
          <Stack>{children}</Stack>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

interface Props {
  title: string;
  children?: ReactNode;
  button: string;
  onClose: () => void;
  act: () => Promise<unknown>;
  destructive?: boolean;
  /** What must be typed before the act. */
  typed?: string;
  ready?: boolean;
}

/** Asks before an act; stays open, with the reason, when it fails. */
export function Confirm({
  title,
  children,
  button,
  onClose,
  act,
  destructive = false,
  typed,
  ready = true,
}: Props) {
  const [word, setWord] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const may = ready && (typed === undefined || word.trim() === typed);
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!may || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await act();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {typeof children === 'string' ? <Text>{children}</Text> : children}
          {typed !== undefined && (
            <TextInput
              label={t('typeToConfirm', { word: typed })}
              value={word}
              autoComplete="off"
              onChange={(event) => setWord(event.currentTarget.value)}
            />
          )}
          {error !== undefined && <ProblemNotice error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button
              type="submit"
              loading={busy}
              disabled={!may}
              className={destructive ? 'destructive' : undefined}
              variant={destructive ? 'outline' : 'filled'}
            >
              {button}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
