from fusionbench.checks import contract_tests

test_contract = contract_tests("night_blend", "night_blend@wide", "metric:DRU", "dataset:night-yard")
