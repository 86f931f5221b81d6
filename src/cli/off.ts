import { switching } from "./switch.ts";

export const off = () => switching(true);
