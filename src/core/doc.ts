/** What a key of a lane file is for. Editors and the documentation have it from the schema; in the Worker `no-doc.ts` stands for this. */
export const doc = (text: string): string => text;
