/** What the installation is: where to log in, whom to ask for help, from where it calls. */

import { callPublic } from '../api/client';

export interface Config {
  cognito: { client_id: string; endpoint: string; user_pool_id: string };
  product: string;
  help: { url: string | null; chat_script: string | null };
  calls_from: string[];
}

let asked: Promise<Config> | undefined;

const NOTHING = { product: 'AIQ', help: { url: null, chat_script: null }, calls_from: [] };

async function ask(): Promise<Config> {
  const said = await callPublic<Partial<Config>>('/api/config');
  if (!said?.cognito) throw new Error('This installation does not say where to log in.');
  return { ...NOTHING, ...said, cognito: said.cognito };
}

/** The configuration, asked once; a failed try is forgotten. */
export function config(): Promise<Config> {
  asked ??= ask().catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}
