import { onlineServiceUrl } from "./other-channel.ts";
import type { Words } from "./words.ts";

export const french: Words = {
  cause: {
    "own-software": "le logiciel de badgeage de l’entreprise ou ses réglages",
    "own-network": "le réseau du chantier lui-même",
    "own-power": "l’alimentation du lecteur lui-même",
    operator: "quelqu’un a redémarré l’appareil ou le programme",
    "power-unproven": "coupure de courant, origine non prouvée",
    "power-supplier": "coupure de courant chez le fournisseur d’énergie",
    "internet-provider": "la connexion internet du fournisseur",
    service: "le service Check In and Out at Work",
    partial: "panne partielle, origine incertaine",
    "other-channel-worked": "un autre canal était utilisable",
    unknown: "impossible à établir depuis cet appareil",
  },
  exemption: {
    "not-exempt": "pas de dispense",
    presumed: "dispense présumée pour la durée de la panne",
    ambiguous: "dispense incertaine",
  },
  because: {
    "not-exempt": "La panne vient de l’entreprise ou de son fournisseur, ou un autre canal était utilisable.",
    presumed: "La panne semble due à un tiers externe ou au service lui-même; elle doit rester vérifiable.",
    ambiguous: "Cet appareil ne permet pas de voir qui a causé la panne.",
  },
  evidence: {
    "grid-operator-proof": "une preuve du gestionnaire de réseau",
    "provider-ticket": "le ticket de panne du fournisseur d’internet",
    "service-notice": "un avis de l’ONSS sur l’indisponibilité",
    "other-channel-attempt": "une tentative notée par un autre canal",
    "gateway-look": "vérifier si le routeur du chantier fonctionnait",
    "own-way-look":
      "vérifier si un pare-feu de cet appareil, ou un tunnel ou un proxy de l’entreprise, retient ce qui est envoyé",
    "other-resolver": "vérifier si un autre serveur de noms répondait",
    "supplier-statement": "une déclaration du fournisseur",
    "power-supply-check": "vérifier si l’alimentation de cet appareil est assez puissante: sa tension était trop basse",
  },
  step: {
    supplier: (name, phone) => `Contactez d’abord le fournisseur: ${name}, ${phone}.`,
    supplierUnknown: "Contactez d’abord le fournisseur; son numéro n’est pas dans la configuration.",
    otherChannel: `Faites enregistrer par un autre canal: le service en ligne sur ordinateur ou téléphone (${onlineServiceUrl}).`,
    exempt:
      "Si aucun canal ne fonctionne, et que la cause n’est ni chez vous ni dans les moyens que vous mettez à disposition, les travailleurs sont dispensés d’enregistrement pour la durée de la panne.",
    registerElsewhereNow: `ENREGISTREZ MAINTENANT PAR UN AUTRE CANAL: cet appareil ne peut rien envoyer, le service en ligne n’en dépend pas: ${onlineServiceUrl}`,
    nextMoment:
      "Après la panne, chacun s’enregistre au prochain début ou à la prochaine fin de travail; rien n’est rattrapé.",
    keepVerifiable: "Conservez ce qui prouve la panne: joignez-le à cette panne.",
  },
  window: {
    title: "Panne",
    none: "Aucune panne.",
    more: (count) => `Et encore ${count} ${count < 2 ? "autre" : "autres"} avant: badged outages list`,
    began: "début",
    ended: "fin",
    lasts: "dure encore",
    between: (from, to) => `entre ${from} et ${to}`,
    notLaterThan: (to) => `au plus tard ${to}`,
    notProven: (at) => `${at} selon l’horloge de l’appareil, que rien ne prouvait alors`,
    duration: "durée",
    cause: "cause",
    exemption: "dispense",
    gaps: (count) => `${count} fois sans observation`,
    flaps: (count) => `${count} fois brièvement rétabli`,
    steps: "que faire",
    settledBy: "ce qui l’appuierait",
    scansOf: "scans",
    scans: (delayed, withheld) =>
      `${delayed === null ? "le nombre de scans envoyés plus tard n’est plus conservé" : `${delayed} ${delayed < 2 ? "scan envoyé" : "scans envoyés"} plus tard`}, ${withheld} ${withheld < 2 ? "retenu" : "retenus"}`,
    firstAfter: "premier enregistrement ensuite",
    notes: "notes",
  },
};
