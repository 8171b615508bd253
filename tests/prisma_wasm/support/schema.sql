CREATE TYPE "Kind" AS ENUM ('SMALL', 'LARGE');

CREATE TABLE "Owner" (
    "id" SERIAL PRIMARY KEY,
    "email" TEXT NOT NULL,
    "notes" JSONB NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX "Owner_email_key" ON "Owner" ("email");

CREATE TABLE "Item" (
    "id" TEXT PRIMARY KEY,
    "name" TEXT NOT NULL,
    "count" INTEGER NOT NULL DEFAULT 0,
    "big" BIGINT,
    "ratio" DOUBLE PRECISION,
    "exact" DECIMAL(65, 30),
    "flag" BOOLEAN,
    "at" TIMESTAMP(3),
    "data" JSONB,
    "blob" BYTEA,
    "tags" TEXT[],
    "numbers" INTEGER[],
    "kind" "Kind",
    "ownerId" INTEGER REFERENCES "Owner" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Item_name_key" ON "Item" ("name");
