CREATE TABLE `redemptions` (
	`quote_id` text PRIMARY KEY NOT NULL,
	`decision_id` text NOT NULL,
	`request_id` text NOT NULL,
	`region_id` text NOT NULL,
	`product_type` text NOT NULL,
	`price_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`quantity` integer NOT NULL,
	`user_hash` text,
	`order_reference` text,
	`issued_at` integer NOT NULL,
	`redeemed_at` integer NOT NULL,
	`redeemed_by` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `redemptions_by_age` ON `redemptions` (`redeemed_at`,`quote_id`);--> statement-breakpoint
CREATE INDEX `redemptions_by_region` ON `redemptions` (`region_id`,`redeemed_at`,`quote_id`);--> statement-breakpoint
CREATE INDEX `redemptions_by_user` ON `redemptions` (`user_hash`,`redeemed_at`,`quote_id`);--> statement-breakpoint
CREATE INDEX `redemptions_by_decision` ON `redemptions` (`decision_id`);