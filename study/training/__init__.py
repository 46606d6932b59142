"""One model on one corpus: train, measure, probe, sample; knows no study."""
