"""python make_golden.py MODEL.onnx TOKENIZER.json GOLDEN.json: write anew the token ids and vectors of the texts in GOLDEN.json, as onnxruntime computes them"""
import json, sys
import numpy as np, onnxruntime
from tokenizers import Tokenizer

model, tokenizer, path = sys.argv[1:]
tok = Tokenizer.from_file(tokenizer)
run = onnxruntime.InferenceSession(model).run
golden = []
for text in [row['text'] for row in json.load(open(path))]:
    ids = tok.encode(text).ids
    ids = ids if len(ids) <= 256 else ids[:255] + ids[-1:]
    states = run(None, {'input_ids': np.array([ids], np.int64), 'mask': np.ones((1, len(ids)), np.int64)})[0][0]
    vector = states.mean(0)
    golden.append({'text': text, 'ids': ids, 'vector': [round(float(x), 6) for x in vector / np.linalg.norm(vector)]})
json.dump(golden, open(path, 'w'))
