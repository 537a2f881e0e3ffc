mod payments;
