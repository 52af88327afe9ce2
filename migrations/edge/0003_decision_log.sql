CREATE TABLE `decision_segments` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`bytes` integer NOT NULL,
	`records` integer NOT NULL,
	`written_at` integer NOT NULL,
	`first_at` integer NOT NULL,
	`last_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `decision_segments_key_unique` ON `decision_segments` (`key`);--> statement-breakpoint
CREATE INDEX `decision_segments_by_age` ON `decision_segments` (`last_at`);--> statement-breakpoint
ALTER TABLE `decisions` ADD `segment` integer;--> statement-breakpoint
ALTER TABLE `decisions` ADD `start` integer;--> statement-breakpoint
ALTER TABLE `decisions` ADD `length` integer;--> statement-breakpoint
ALTER TABLE `decisions` ADD `experiment` text;--> statement-breakpoint
ALTER TABLE `decisions` ADD `variant` text;--> statement-breakpoint
CREATE INDEX `decisions_by_product` ON `decisions` (`product_type`,`decided_at`);--> statement-breakpoint
CREATE INDEX `decisions_by_rules` ON `decisions` (`rules_version`,`decided_at`);--> statement-breakpoint
CREATE INDEX `decisions_by_model` ON `decisions` (`model_version`,`decided_at`);--> statement-breakpoint
CREATE INDEX `decisions_by_source` ON `decisions` (`source`,`decided_at`) WHERE source <> 'model';--> statement-breakpoint
CREATE INDEX `decisions_by_experiment` ON `decisions` (`experiment`,`decided_at`) WHERE experiment IS NOT NULL;