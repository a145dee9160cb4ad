import type { Language } from "../base/language.ts";

/** What the supervisor is told of scans that wait while others are registered, in his language. */
export const heldWords: Readonly<
  Record<
    Language,
    {
      /** Scans on which calls fail. */
      readonly failing: (count: number) => string;
      /** Later scans of their workers. */
      readonly behind: (count: number) => string;
    }
  >
> = {
  en: {
    failing: (count) =>
      `Scans still to be sent on which calls to the service fail, while others go through: ${count}. Each is tried again by itself.`,
    behind: (count) => `Later scans of the same workers that wait behind them: ${count}.`,
  },
  nl: {
    failing: (count) =>
      `Nog te verzenden scans waarbij oproepen naar de dienst mislukken, terwijl andere lukken: ${count}. Elke scan wordt vanzelf opnieuw geprobeerd.`,
    behind: (count) => `Latere scans van dezelfde werknemers die daarachter wachten: ${count}.`,
  },
  fr: {
    failing: (count) =>
      `Scans encore à envoyer pour lesquels les appels au service échouent, alors que d'autres aboutissent : ${count}. Chacun est réessayé automatiquement.`,
    behind: (count) => `Scans ultérieurs des mêmes travailleurs qui attendent derrière eux : ${count}.`,
  },
  de: {
    failing: (count) =>
      `Noch zu sendende Scans, bei denen Aufrufe an den Dienst fehlschlagen, während andere gelingen: ${count}. Jeder wird von selbst erneut versucht.`,
    behind: (count) => `Spätere Scans derselben Arbeitnehmer, die dahinter warten: ${count}.`,
  },
};
