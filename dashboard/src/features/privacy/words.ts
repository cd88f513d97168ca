import { speaker } from '../../words/say';

export const t = speaker({
  exportOne: 'Export',
  exportTitle: 'Export {name}',
  exportText: 'A file of all that AIQ keeps of this shopper, as JSON, for the person it is about.',
  exportGo: 'Make the file',
  making: 'The file is being made…',
  failed: 'The file could not be made. Try again.',
  download: 'Download',
  until: 'The link works until {at}.',
  erase: 'Erase',
  eraseTitle: 'Erase persona',
  eraseText:
    'Erases {name} everywhere: sales, points, messages, backups. This cannot be undone. Only a note not to contact them stays; a new signup of their own lifts it.',
  counting: 'Counting what would be erased…',
  records: '{n, plural, one {# source record} other {# source records}}',
  sales: '{n, plural, one {# sale loses its shopper} other {# sales lose their shopper}}',
  points: '{points} points go',
  consents: '{n, plural, one {# entry of the consent log} other {# entries of the consent log}}',
  contacts: '{n, plural, one {# number or address} other {# numbers and addresses}}',
  typeFour: 'Type the last four of {of}',
  exportFirst: 'Export first',
  erasing: 'Erasing… You may close this; it goes on.',
  erased: 'Erased.',
  certificate: 'Certificate',
  toPersonas: 'Go to Personas',
});
