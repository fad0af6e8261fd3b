"""The whole product on one machine: a plant, its ERP, its people and what happens to them."""
